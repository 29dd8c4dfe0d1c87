"""Reads the ONNX models of a kit, and no others: field numbers of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto."""

import collections
import struct

import numpy

Node = collections.namedtuple("Node", "op inputs output attributes")
Graph = collections.namedtuple("Graph", "nodes weights input_name input_shape output_name output_shape")


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def fields(data):
    """(number, value) of every field of a message: bytes where it has a length, else an int."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 2:
            length, at = varint(data, at)
            value, at = data[at : at + length], at + length
        elif key & 7 == 5:
            value, at = struct.unpack_from("<I", data, at)[0], at + 4
        elif key & 7 == 1:
            value, at = struct.unpack_from("<Q", data, at)[0], at + 8
        else:
            raise ValueError("this is no ONNX model")
        yield key >> 3, value


def text(value):
    return bytes(value).decode()


def signed(value):
    return value - (1 << 64) if value >> 63 else value


def numbers(value):
    """Of a repeated field that may be packed."""
    if isinstance(value, int):
        return [signed(value)]
    found, at = [], 0
    while at < len(value):
        one, at = varint(value, at)
        found.append(signed(one))
    return found


def read_tensor(data):
    shape, name, kind, raw = [], "", 0, b""
    for number, value in fields(data):
        if number == 1:
            shape += numbers(value)
        elif number == 2:
            kind = value
        elif number == 8:
            name = text(value)
        elif number == 9:
            raw = value
    return name, numpy.frombuffer(raw, {1: "<f4", 7: "<i8"}[kind]).reshape(shape)


def read_attribute(data):
    name, whole, real, many, kind = "", 0, 0.0, [], 0
    for number, value in fields(data):
        if number == 1:
            name = text(value)
        elif number == 2:
            real = struct.unpack("<f", struct.pack("<I", value))[0]
        elif number == 3:
            whole = signed(value)
        elif number == 8:
            many += numbers(value)
        elif number == 20:
            kind = value
    return name, {1: real, 2: whole, 7: many}[kind]


def read_node(data):
    inputs, output, op, attributes = [], "", "", {}
    for number, value in fields(data):
        if number == 1:
            inputs.append(text(value))
        elif number == 2:
            output = text(value)
        elif number == 4:
            op = text(value)
        elif number == 5:
            name, found = read_attribute(value)
            attributes[name] = found
    return Node(op, inputs, output, attributes)


def read_value(data):
    """Name and shape of an input or output."""
    name, shape = "", []
    for number, value in fields(data):
        if number == 1:
            name = text(value)
        elif number == 2:
            tensor = dict(fields(value))[1]
            for _, dimension in fields(dict(fields(tensor))[2]):
                shape.append(dict(fields(dimension))[1])
    return name, tuple(shape)


def read(path):
    """The graph of a model, its nodes in the order of execution."""
    with open(path, "rb") as file:
        model = memoryview(file.read())
    nodes, weights, inputs, outputs = [], {}, [], []
    for number, value in fields(dict(fields(model))[7]):
        if number == 1:
            nodes.append(read_node(value))
        elif number == 5:
            name, array = read_tensor(value)
            weights[name] = array
        elif number == 11:
            inputs.append(read_value(value))
        elif number == 12:
            outputs.append(read_value(value))
    [(input_name, input_shape)], [(output_name, output_shape)] = inputs, outputs
    return Graph(nodes, weights, input_name, input_shape, output_name, output_shape)
