"""The engine against the reference: the real models on PostgreSQL, generated books, and what the two disagree on."""
