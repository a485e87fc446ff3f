"""Operations on tensors, lifted from functions on nodes."""
