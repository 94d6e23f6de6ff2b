"""The inference door's parts inside the server: what a worker keeps, and permits that wait for their answer."""
