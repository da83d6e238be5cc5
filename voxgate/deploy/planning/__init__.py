"""What a deploy is to do, and everything that is asked before a host is touched."""
