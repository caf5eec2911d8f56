"""aclkit against the module that Tailscale publishes; `make interop` runs it where Go is."""
