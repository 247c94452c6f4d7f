"""Who may begin: each request is worked on by one run, and no faster than its user may ask."""
