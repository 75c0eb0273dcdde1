# The same commands without make: ./dev demo, ./dev test, ... (./dev help lists them). ARGS goes on to pytest.
.PHONY: help demo test check format lock setup browser bench shots clean

help:
	@./dev help

# The demo ends when make does, even on kill -9.
demo: export ENDS_WITH_PARENT = 1
demo:
	@exec ./dev demo

test:
	@exec ./dev test $(ARGS)

check format lock setup browser bench shots clean:
	@exec ./dev $@
