"""To and from the tools that teams use beside this one."""
