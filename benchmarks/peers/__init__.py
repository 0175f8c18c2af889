"""Other libraries on the same work, in an environment of their own, each first checked to agree with us."""
