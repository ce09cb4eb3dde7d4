"""The face of this rung: the ``Store``, its ``Image`` records, and how names are found and taken away."""
