"""Other libraries on the same work, in an environment of their own (`make peers`), each first checked to agree with us."""
