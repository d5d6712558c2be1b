"""Noise by OpenDP, for cubes whose policy asks for it: discrete Laplace over whole numbers.

OpenDP is the optional part `narrows[statistics]`; only a build of such a cube imports it.
"""

from narrows.errors import ObligationUnenforceable


class OpenDpNoise:
    """A `core.policy.cubes.Noise`, whose randomness is OpenDP's own."""

    def integer(self, value: int, scale: float) -> int:
        """The value with noise. Raises: ObligationUnenforceable where OpenDP is not installed."""
        try:
            import opendp.prelude as dp  # heavy, and optional
        except ImportError as cause:
            raise ObligationUnenforceable(
                "the policy asks for noise, and this node has no OpenDP",
                hint="install narrows[statistics]",
            ) from cause
        # OpenDP marks what is not vetted yet by this feature; the discrete Laplace needs it too.
        dp.enable_features("contrib")
        draw = dp.m.make_laplace(
            dp.atom_domain(T="i64"), dp.absolute_distance(T="i64"), scale=scale
        )
        return int(draw(value))
