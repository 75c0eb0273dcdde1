"""What people and programs reach over HTTP, and the command line. All behaviour is in `app`."""
