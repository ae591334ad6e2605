RULES: frozenset[str] = frozenset()
