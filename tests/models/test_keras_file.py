"""A `.keras` file is judged without Keras; only its weights are taken."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from forging import forge, keras_file
from models.network.keras_file import weights_in

from models.bundle import load_detector
from models.errors import BundleError

LAYER = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 3}, "registered_name": None}


def config(*layers):
    return json.dumps({"module": "keras", "class_name": "Functional", "config": {"layers": layers}}).encode()


@pytest.mark.parametrize(
    "activation", ["relu", "leaky_relu", "prelu", "elu", "selu", "gelu", "silu", "tanh", "sigmoid"]
)
@pytest.mark.parametrize("is_compiled", [False, True])
def test_what_keras_writes_is_accepted_for_every_activation(activation, is_compiled, tmp_path):
    from models.network.architecture import AutoencoderConfig
    from training.network import keras_network as network

    settings = AutoencoderConfig(
        features=4, hidden_units=(3,), latent_units=2, activation=activation, dropout=0.2, input_noise=0.3
    )
    net = network.build_network(settings, seed=0)
    if is_compiled:
        net.compile(optimizer=network.keras.optimizers.AdamW(), loss=network.keras.losses.MeanSquaredError())
    network.save_network(net, tmp_path / "network.keras")
    assert weights_in((tmp_path / "network.keras").read_bytes()).startswith(b"\x89HDF")


def test_the_weights_are_the_bytes_of_their_member():
    assert weights_in(keras_file({"model.weights.h5": b"weights", "config.json": config(LAYER)})) == b"weights"


HOSTILE = {
    "a lambda": LAYER | {"class_name": "Lambda"},
    "a lambda in the place of a function": {"class_name": "__lambda__", "config": {"value": "4wEAAAA="}},
    "a class of another module": LAYER | {"module": "os"},
    "a layer of the wrong module": LAYER | {"module": "keras"},
    "a class without a module": {"class_name": "Dense"},
    "a module without a class": {"module": "keras.layers"},
    "a custom class": LAYER | {"registered_name": "Custom>Dense"},
    "only a registered name": {"registered_name": "Custom>Dense"},
    "a saved program of TensorFlow": LAYER | {"class_name": "TFSMLayer", "config": {"filepath": "/tmp/evil"}},
    "a wrapper of another library": LAYER | {"class_name": "TorchModuleWrapper"},
    "a model of the user's": {"module": "builtins", "class_name": "function", "config": "eval"},
    "numbers for names": {"module": 1, "class_name": 2},
    "a disguised tensor": {"module": "os", "class_name": "__keras_tensor__"},
    "a registered tensor": {"class_name": "__keras_tensor__", "registered_name": "os>system"},
}


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("depth", [0, 1, 7])
def test_a_file_that_names_code_is_refused_at_any_depth(hostile, depth, copied):
    item = HOSTILE[hostile]
    for number in range(depth):
        item = {"config": item} if number % 2 else [LAYER, item]
    forge(copied, "network.keras", keras_file({"config.json": config(LAYER, item)}))
    with pytest.raises(
        BundleError, match=r"network\.keras is refused: it describes .*, which is no part of our networks"
    ):
        load_detector(copied)


@pytest.mark.parametrize("module", ["keras", "keras.initializers", "keras.optimizers", "keras.losses", "keras.metrics"])
def test_settings_of_kerass_own_modules_are_let_by(module):
    weights_in(keras_file({"config.json": config(LAYER | {"module": module, "class_name": "HeNormal"})}))


@pytest.mark.parametrize("name", ["../../etc/cron.d/evil", "/etc/passwd", "assets/evil.py", "config.json/", "evil"])
def test_a_member_more_is_refused_by_its_name(name):
    with pytest.raises(
        ValueError, match=f"it holds '{name}'; Keras writes config.json, metadata.json, model.weights.h5"
    ):
        weights_in(keras_file({name: b"x"}))


@pytest.mark.parametrize("name", ["config.json", "metadata.json", "model.weights.h5"])
def test_a_member_less_or_twice_is_refused(name, tmp_path):
    path = tmp_path / "network.keras"
    with zipfile.ZipFile(path, "w") as archive:
        for other in {"config.json", "metadata.json", "model.weights.h5"} - {name}:
            archive.writestr(other, b"{}")
    with pytest.raises(ValueError, match="it lacks a member, or holds one twice"):
        weights_in(path.read_bytes())
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "w") as archive:
        for other in ("config.json", "metadata.json", "model.weights.h5", name):
            archive.writestr(other, b"{}")
    with pytest.raises(ValueError, match="it lacks a member, or holds one twice"):
        weights_in(path.read_bytes())


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_bomb_is_refused_before_it_is_opened(compression, monkeypatch):
    bomb = keras_file({"model.weights.h5": bytes(50_000_000)}, compression=compression)
    assert len(bomb) < 100_000
    monkeypatch.setattr("zipfile.ZipFile.open", lambda *_, **__: pytest.fail("opened"))
    with pytest.raises(ValueError, match="it is compressed, which Keras never does"):
        weights_in(bomb)


@pytest.mark.parametrize("name", ["config.json", "metadata.json"])
def test_a_description_that_is_too_large_is_refused(name):
    with pytest.raises(ValueError, match=f"its {name} is larger than any that is written"):
        weights_in(keras_file({name: bytes(17 * 1024**2)}))


def test_a_member_that_says_it_is_encrypted_is_refused():
    content = bytearray(keras_file())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = -1
        while (at := content.find(signature, at + 1)) >= 0:
            content[at + offset] |= 1
    with pytest.raises(ValueError, match=r"it is no readable \.keras file"):
        weights_in(bytes(content))


@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x03\x04junk", b"\x89HDF\r\n\x1a\n", keras_file()[:-9]])
def test_what_is_no_archive_is_refused(content):
    with pytest.raises(ValueError, match=r"it is no readable \.keras file"):
        weights_in(content)


def test_a_damaged_member_is_refused():
    content = keras_file({"model.weights.h5": b"the weights"}).replace(b"the weights", b"xxx weights")
    with pytest.raises(ValueError, match=r"it is no readable \.keras file .*CRC"):
        weights_in(content)


@pytest.mark.parametrize("description", [b"", b"junk", b"\xff", b'{"a": NaN}'])
def test_a_description_that_is_no_strict_json_is_refused(description):
    with pytest.raises(ValueError, match=r"it holds NaN|it is not UTF-8|Expecting value"):
        weights_in(keras_file({"config.json": description}))


def test_the_old_bundles_are_accepted():
    for path in (Path(__file__).resolve().parents[1] / "bundles").glob("v*/bundle/network.keras"):
        assert weights_in(path.read_bytes())
