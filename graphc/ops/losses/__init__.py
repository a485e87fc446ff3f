"""Losses: each computes one value per element or sample and reduces them."""
