"""Which providers the simulator speaks for. A new one is a line here."""

from __future__ import annotations

from app.rails.simulator.dialects import Dialect
from app.rails.simulator.dialects.mpesa import MpesaDialect
from app.rails.simulator.dialects.paypal import PayPalDialect
from app.rails.simulator.dialects.razorpayx import RazorpayXDialect
from app.rails.simulator.dialects.stripe_connect import StripeConnectDialect

DIALECTS: tuple[Dialect, ...] = (PayPalDialect(), MpesaDialect(), RazorpayXDialect(), StripeConnectDialect())
