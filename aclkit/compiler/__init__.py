"""The compiler: from policy and tailnet to what each node is sent."""
