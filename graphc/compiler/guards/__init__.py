"""What a trace depended on in Python: found by a search through code and objects, compared at each call."""
