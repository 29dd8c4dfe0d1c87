"""Kernels as they are inside a network: what is measured between two pointwise convolutions, less what is measured of those alone.

`latencast kernels export --inside` writes three kinds of model, told apart by their names: "in KERNEL", a kernel between the two;
"reference,...", the two and nothing between them; KERNEL, one that images do not pass through, as it is alone. The manifest says which
references a kernel has. No clock and no runtime here.
"""

import math

INSIDE, REFERENCE = "in ", "reference,"
# The two convolutions on a single pixel: the call and hardly more.
CALL = "reference,1,1,1,8,8,,,,"
# Of what is measured, the least that a kernel can be told to take: fused ones take nothing.
LEAST = 0.02


def has(names):
    """Whether a list of models is of kernels inside networks."""
    return CALL in names


def latencies(measured_ms, error, references):
    """Milliseconds and relative error of kernels by name, of those of models by name. `references`: of each model inside a network,
    their names. All pairs of models are taken for independent."""
    found, errors, call_ms = {}, {}, measured_ms[CALL]
    for name, ms in measured_ms.items():
        around = references.get(name, [])
        if name.startswith(REFERENCE) or any(one not in measured_ms for one in around):
            continue
        own = max(ms - call_ms - sum(measured_ms[one] - call_ms for one in around) / 2, LEAST * ms)
        kernel = name[len(INSIDE) :] if name.startswith(INSIDE) else name
        found[kernel] = own
        errors[kernel] = math.hypot(error[name] * ms, *(error[one] * measured_ms[one] / 2 for one in around)) / own
    return found, errors
