"""Shims as the engine uses them: begun by the zygote or as programs, found again, called over ttrpc."""
