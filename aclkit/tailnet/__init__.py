"""Users, nodes and services: the snapshot of a tailnet that policies are compiled for."""
