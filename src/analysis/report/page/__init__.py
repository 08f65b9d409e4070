"""One self-contained page of everything that was found, with an explorer of the specifications; computes nothing."""
