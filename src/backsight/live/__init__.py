"""Live feedback: what a camera sees, what to do next and the index so far, while the person moves."""
