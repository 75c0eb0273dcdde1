"""Money, orders and bookings coming in: what outside programs tell us, read into values."""
