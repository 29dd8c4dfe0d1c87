import jax
import jax.numpy as jnp
from jax import lax

import graph
from runtimes.base import NotRun, Runtime as Base

IMAGE = ("NCHW", "OIHW", "NCHW")


def pool(x, given, first, combine):
    window, strides = (1, 1, *given["size"]), (1, 1, *given["strides"])
    top, left, bottom, right = given["pads"]
    return lax.reduce_window(x, first, combine, window, strides, ((0, 0), (0, 0), (top, bottom), (left, right)))


def conv(x, given):
    top, left, bottom, right = given["pads"]
    made = lax.conv_general_dilated(
        x,
        given["weight"],
        given["strides"],
        ((top, bottom), (left, right)),
        rhs_dilation=given["dilations"],
        dimension_numbers=IMAGE,
        feature_group_count=given["group"],
    )
    return rectified(made + given["bias"].reshape(1, -1, 1, 1), given)


def rectified(x, given):
    return jax.nn.relu(x) if given["relu"] else x


def average(x, given):
    counts = pool(jnp.ones_like(x[:, :1]), given, 0.0, lax.add)
    return pool(x, given, 0.0, lax.add) / counts


def normal(x, given):
    mean = x.mean(-1, keepdims=True)
    variance = jnp.square(x - mean).mean(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + given["epsilon"]) * given["scale"] + given["shift"]


def shuffle(x, given):
    batch, channels, height, width = x.shape
    apart = x.reshape(batch, given["groups"], channels // given["groups"], height, width)
    return apart.transpose(0, 2, 1, 3, 4).reshape(x.shape)


def hard_sigmoid(x):
    return jnp.clip(x / 6 + 0.5, 0, 1)


STEPS = {
    "conv": conv,
    "fc": lambda x, given: rectified(x @ given["weight"].T + given["bias"], given),
    "maxpool": lambda x, given: pool(x, given, -jnp.inf, lax.max),
    "avgpool": average,
    "gap": lambda x, given: x.mean((2, 3), keepdims=True),
    "add": lambda x, y, given: rectified(x + y, given),
    "mul": lambda x, y, given: x * y,
    "scale": lambda x, given: x * given["factor"],
    "norm": lambda x, given: x * given["factor"].reshape(1, -1, 1, 1) + given["shift"].reshape(1, -1, 1, 1),
    "relu": lambda x, given: jax.nn.relu(x),
    "sigmoid": lambda x, given: jax.nn.sigmoid(x),
    "hardsigmoid": lambda x, given: hard_sigmoid(x),
    "swish": lambda x, given: x * jax.nn.sigmoid(x),
    "hswish": lambda x, given: x * hard_sigmoid(x),
    "matmul": lambda x, y, given: x @ y,
    "layernorm": normal,
    "softmax": lambda x, given: jax.nn.softmax(x),
    "flatten": lambda x, given: x.reshape(len(x), -1),
    "shuffle": shuffle,
}


class Runtime(Base):
    """Compiled by XLA; weights are arguments, as they are in training code."""

    version = jax.__version__

    def load(self, network, feeds):
        given_graph = graph.Graph(network.path)
        steps = graph.steps(given_graph)
        missing = [step.op for step in steps if step.op not in STEPS]
        if missing:
            raise NotRun(missing[0])
        weights = [{name: value for name, value in step.given.items() if hasattr(value, "dtype")} for step in steps]

        def compute(inputs, weights):
            values = dict(inputs)
            for step, own in zip(steps, weights):
                read = [values[name] for name in (step.inputs[:1] if step.op in ("swish", "hswish") else step.inputs)]
                values[step.output] = STEPS[step.op](*read, dict(step.given, **own))
            return values[network.output[0]]

        held = jax.device_put((feeds, weights))
        compiled = jax.jit(compute).lower(*held).compile()
        return lambda: compiled(*held).block_until_ready()
