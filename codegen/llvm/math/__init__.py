"""Math functions as inlined vector code with stated error bounds."""
