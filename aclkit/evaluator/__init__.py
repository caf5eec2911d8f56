"""The evaluator: answers from compiled rules, and what a client does with them."""
