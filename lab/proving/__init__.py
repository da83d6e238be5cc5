"""The proof that each invariant can fail: break a host, look, compare exactly, mend."""
