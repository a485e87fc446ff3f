"""Operations that change shape or order without arithmetic."""
