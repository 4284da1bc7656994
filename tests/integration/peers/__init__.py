"""Real mail servers, name servers and web servers, run on free loopback ports for the tests.

Nothing here touches the system: server packages are unpacked into build/peers, not installed, and run
as processes of the tests, which are stopped by their process ids.
"""
