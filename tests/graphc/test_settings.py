"""Names that mean nothing on a CPU: accepted, with torch's values, and errors where acceptance would be a lie."""

from __future__ import annotations

import pytest

import graphc as torch
from graphc import nn
from graphc.backends import cudnn


def test_scripts_that_ask_for_other_devices_run() -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu")
    torch.cuda.manual_seed(0)
    torch.cuda.manual_seed_all(0)
    torch.cuda.empty_cache()
    cudnn.benchmark = cudnn.deterministic = True
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.set_default_device("cpu")
    with torch.device("cpu"):
        x = torch.ones(1, 2, 3, 4, pin_memory=True).to(device, non_blocking=True)
    y = nn.Conv2d(2, 2, 1).to(memory_format=torch.channels_last)(x.to(memory_format=torch.channels_last))
    assert y.contiguous(memory_format=torch.contiguous_format).device == torch.get_default_device() == device
    assert not (torch.cuda.is_initialized() or torch.cuda.memory_allocated() or torch.cuda.max_memory_allocated())
    for backend in (torch.backends.mkl, torch.backends.mkldnn, torch.backends.mps, torch.backends.openmp):
        assert not backend.is_available() and not backend.is_built()
    assert not cudnn.is_available() and cudnn.version() is None and not torch.backends.cuda.is_built()
    assert torch.backends.cpu.get_cpu_capability() in ("AVX512", "AVX2", "DEFAULT")


def test_attributes_of_tensors() -> None:
    x = torch.ones(2)
    flags = (x.is_cuda, x.is_sparse, x.is_quantized, x.is_mps, x.is_meta, x.is_mkldnn, x.is_xpu, x.is_pinned(), x.is_complex())
    assert flags == (False,) * 9 and x.is_cpu and x.layout is torch.strided and x.get_device() == -1 and x.pin_memory() is x
    formats = (torch.channels_last, torch.channels_last_3d, torch.contiguous_format, torch.preserve_format)
    assert [repr(f) for f in formats] == [f"torch.{f.name}" for f in formats] and isinstance(formats[0], torch.memory_format)
    assert isinstance(torch.strided, torch.layout) and repr(torch.strided) == "torch.strided"
    for call in (x.cuda, torch.cuda.synchronize, lambda: torch.set_default_device("cuda")):
        with pytest.raises(RuntimeError, match="CPU"):
            call()


def test_settings_are_kept() -> None:
    torch.set_float32_matmul_precision("medium")
    assert torch.get_float32_matmul_precision() == "medium"
    torch.set_float32_matmul_precision("highest")
    with pytest.raises(ValueError, match="is not one of"):
        torch.set_float32_matmul_precision("low")
    torch.use_deterministic_algorithms(True, warn_only=True)
    assert torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(False)
    assert [torch.typename(v) for v in (torch.ones(1).double(), 2, nn.ReLU())][:2] == ["torch.DoubleTensor", "int"]


def test_scripting_keeps_functions() -> None:
    @torch.jit.script
    def double(x: torch.Tensor) -> torch.Tensor:
        return 2 * x

    model = nn.Linear(2, 2)
    assert torch.jit.script(model) is torch.jit.trace(model, torch.ones(2)) is model and double(torch.ones(1)) == 2
    assert torch.jit.ignore(drop=True)(len) is torch.jit.unused(len) is torch.jit.export(len) is len
    assert not torch.jit.is_scripting() and not torch.jit.is_tracing()


def test_mixed_precision_of_other_devices_is_off() -> None:
    weight = nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([weight], lr=0.5)
    with pytest.warns(UserWarning, match="Disabling"):
        scaler = torch.amp.GradScaler("cuda")
    with pytest.warns(UserWarning, match="Disabling"), torch.amp.autocast("cuda"):
        loss = (weight * 3).sum()
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    scaler.load_state_dict(scaler.state_dict())
    assert weight.item() == -0.5 and scaler.get_scale() == 1 and not scaler.is_enabled() and loss.dtype is torch.float32
    assert torch.amp.autocast("cpu", enabled=False)(len)([1]) == 1
    for make in (torch.amp.autocast, torch.amp.GradScaler):
        with pytest.raises(NotImplementedError, match="CPU"):
            make("cpu")
