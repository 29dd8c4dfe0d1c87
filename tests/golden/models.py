#!/usr/bin/env python3
"""Writes tests/golden/models/*.onnx: known networks as their exporters write them, without the weights' bytes.

Needs torch, torchvision, timm and onnx (pip); the tests need only the files. Run from the repository root, then
write the listings beside them anew with tests/golden/models.mjs. The graphs are those of torchvision (BSD-3-Clause)
and timm (Apache-2.0) under PyTorch's exporters; they hold layer types and shapes, nothing that was trained.
"""

import pathlib
import tempfile

import onnx
import timm
import torch
import torchvision.models as zoo

FOLDER = pathlib.Path(__file__).parent / "models"
KEPT_REALS = 16  # of a small constant that the importer reads: bounds, scales, exponents

# name: network, exporter, opset, whether batch norms stay as they are (else the exporter folds them)
MODELS = {
    "resnet18": (zoo.resnet18, "script", 9, True),
    "resnet50": (zoo.resnet50, "script", 13, True),
    "mobilenet_v2": (zoo.mobilenet_v2, "script", 11, True),
    "mobilenet_v3_large": (zoo.mobilenet_v3_large, "script", 17, True),
    "mobilenet_v3_small": (zoo.mobilenet_v3_small, "dynamo", 18, False),
    "efficientnet_b0": (zoo.efficientnet_b0, "script", 17, True),
    "mnasnet1_0": (zoo.mnasnet1_0, "script", 13, True),
    "shufflenet_v2_x1_0": (zoo.shufflenet_v2_x1_0, "script", 13, True),
    "squeezenet1_1": (zoo.squeezenet1_1, "script", 13, True),
    "vit_tiny": (lambda: timm.create_model("vit_tiny_patch16_224"), "script", 14, False),
    "vit_tiny_dynamo": (lambda: timm.create_model("vit_tiny_patch16_224"), "dynamo", 18, False),
}
DYNAMIC_BATCH = {"mobilenet_v2", "vit_tiny"}


def export(network, exporter, opset, keeps_norms, dynamic, path):
    image = torch.zeros(1, 3, 224, 224)
    if exporter == "dynamo":
        torch.onnx.export(network, (image,), path, opset_version=opset, dynamo=True, external_data=False, verbose=False)
        return
    torch.onnx.export(
        network,
        image,
        path,
        opset_version=opset,
        dynamo=False,
        input_names=["image"],
        dynamic_axes={"image": {0: "batch"}} if dynamic else None,
        training=torch.onnx.TrainingMode.PRESERVE if keeps_norms else torch.onnx.TrainingMode.EVAL,
        do_constant_folding=not keeps_norms,
    )


def without_bytes(tensor):
    count = 1
    for length in tensor.dims:
        count *= length
    if tensor.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16) and count > KEPT_REALS:
        for field in ("raw_data", "float_data", "int32_data"):
            tensor.ClearField(field)


def slim(model):
    """Only what the importer reads, under short names."""
    graph = model.graph
    inputs = {value.name for value in graph.input}
    short = {}

    def rename(name):
        if name == "" or name in inputs:
            return name
        return short.setdefault(name, f"t{len(short)}")

    for node in graph.node:
        for field in ("doc_string", "metadata_props", "name", "overload"):
            if field in node.DESCRIPTOR.fields_by_name:
                node.ClearField(field)
        node.input[:] = [rename(name) for name in node.input]
        node.output[:] = [rename(name) for name in node.output]
        for attribute in node.attribute:
            if attribute.HasField("t"):
                without_bytes(attribute.t)
                attribute.t.ClearField("name")
    for tensor in graph.initializer:
        tensor.name = rename(tensor.name)
        without_bytes(tensor)
        tensor.ClearField("doc_string")
        tensor.ClearField("metadata_props")
    for value in graph.output:
        value.name = rename(value.name)
    graph.ClearField("value_info")
    for holder in (model, graph):
        holder.ClearField("metadata_props")
        holder.ClearField("doc_string")
    return model


def main():
    FOLDER.mkdir(exist_ok=True)
    torch.manual_seed(0)
    for name, (make, exporter, opset, keeps_norms) in MODELS.items():
        network = make().eval()
        for parameter in network.parameters():  # equal ones would be stored once, and parameters miscounted
            torch.nn.init.normal_(parameter)
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/model.onnx"
            export(network, exporter, opset, keeps_norms, name in DYNAMIC_BATCH, path)
            model = slim(onnx.load(path))
        target = FOLDER / f"{name}.onnx"
        target.write_bytes(model.SerializeToString())
        print(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
