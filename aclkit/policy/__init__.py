"""The policy: from the HuJSON tree to a typed, validated AST."""
