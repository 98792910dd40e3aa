from __future__ import annotations

import dataclasses
import zipfile

import h5py
import numpy as np
import pytest
from forging import keras_file

from models.errors import BundleError
from models.network.activations import ACTIVATIONS
from models.network.architecture import AutoencoderConfig
from training.network import keras_network as network

CONFIG = AutoencoderConfig(features=5, hidden_units=(8,), latent_units=2)
ROWS = np.random.default_rng(0).normal(0, 1, (33, 5)).astype(np.float32)


def test_selu_normalises_itself_through_eight_layers_without_being_asked():
    """Case 9: LeCun normal kernels and AlphaDropout; He would give a deviation of about 3.8 after layer 8."""
    config = AutoencoderConfig(
        features=256, hidden_units=(256, 64, 256, 256), latent_units=256, activation="selu", dropout=0.1
    )
    net = network.build_network(config, seed=9)
    layers = network.layer_weights(config, net)
    assert layers[1].kernel.shape == (256, 64)
    assert layers[1].kernel.std() == pytest.approx(1 / 16, rel=0.05)
    for name in config.layer_names:
        assert type(net.get_layer(name).kernel_initializer).__name__ == "LecunNormal"
        if name != "bottleneck":
            assert type(net.get_layer(f"{name}_dropout")).__name__ == "AlphaDropout"
    assert net.get_layer("output").activation.__name__ == "linear"

    eight = AutoencoderConfig(features=256, hidden_units=(256,) * 4, latent_units=256, activation="selu")
    Z = np.random.default_rng(9).normal(0, 1, (1000, 256)).astype(np.float32)
    outputs = network.hidden_outputs(eight, network.build_network(eight, seed=9), Z)
    assert 0.7 < outputs["decoder_3"].std() < 1.3


def test_prelu_learns_one_slope_a_unit(tmp_path):
    """Case 8: `Dense(8)` on 4 features has 4·8 + 8 weights and 8 slopes, which are equal after save and load."""
    config = AutoencoderConfig(features=4, hidden_units=(8,), latent_units=2, activation="prelu")
    net = network.build_network(config, seed=8)
    slopes = net.get_layer("encoder_1_activation")
    assert slopes.get_weights()[0].shape == (8,)
    assert net.get_layer("encoder_1").count_params() + slopes.count_params() == 48
    chosen = np.linspace(0.1, 0.8, 8, dtype=np.float32)
    slopes.set_weights([chosen])
    network.save_network(net, tmp_path / "network.keras")
    again = network.load_network(config, (tmp_path / "network.keras").read_bytes(), written_by="test")
    np.testing.assert_array_equal(network.layer_weights(config, again)[0].slope, chosen)


def test_the_slope_of_leaky_relu_is_the_configured_one():
    config = dataclasses.replace(CONFIG, activation="leaky_relu", negative_slope=0.35)
    net = network.build_network(config, seed=0)
    assert net.get_layer("encoder_1_activation").negative_slope == pytest.approx(0.35)


def test_the_same_seed_gives_the_same_weights_and_another_one_others():
    first, same, other = (network.build_network(CONFIG, seed=seed).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True) if a.ndim == 2)


def test_no_two_layers_start_with_the_same_kernel():
    square = AutoencoderConfig(features=6, hidden_units=(6, 6), latent_units=6)
    kernels = [layer.kernel for layer in network.layer_weights(square, network.build_network(square, seed=0))]
    assert len({kernel.tobytes() for kernel in kernels}) == 6


def test_dropout_and_noise_are_at_work_while_fitting_and_at_rest_when_a_row_is_scored():
    """Case 4, with dropout in the network."""
    net = network.build_network(dataclasses.replace(CONFIG, dropout=0.4, input_noise=0.5), seed=0)
    together = network.reconstruct(net, ROWS)
    for row in range(33):
        np.testing.assert_allclose(
            network.reconstruct(net, ROWS[row : row + 1])[0], together[row], rtol=1e-5, atol=1e-5
        )
    first, second = (np.asarray(net(ROWS, training=True).numpy()) for _ in range(2))
    assert not np.allclose(first, second)


def test_all_weights_are_counted():
    config = dataclasses.replace(CONFIG, activation="prelu")
    net = network.build_network(config, seed=0)
    assert network.parameter_count(network.layer_weights(config, net)) == net.count_params()


def test_hidden_outputs_are_those_behind_the_activation():
    config = dataclasses.replace(CONFIG, activation="relu")
    outputs = network.hidden_outputs(config, network.build_network(config, seed=0), ROWS)
    assert {name: output.shape for name, output in outputs.items()} == {
        "encoder_1": (33, 8),
        "bottleneck": (33, 2),
        "decoder_1": (33, 8),
    }
    assert min(output.min() for output in outputs.values()) == 0


@pytest.mark.parametrize(
    "other",
    [{"latent_units": 3}, {"hidden_units": (8, 8)}, {"features": 6}],
    ids=lambda change: next(iter(change)),
)
def test_weights_that_do_not_fit_the_configuration_are_refused_with_both_versions(other, tmp_path):
    path = tmp_path / "network.keras"
    network.save_network(network.build_network(dataclasses.replace(CONFIG, **other), seed=0), path)
    with pytest.raises(
        BundleError, match=rf"Keras {network.versions()['keras']} cannot read what Keras 99\.0\.0 wrote"
    ):
        network.load_network(CONFIG, path.read_bytes(), written_by="99.0.0")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04junk", b"junk"])
def test_a_damaged_file_of_weights_is_refused(content):
    with pytest.raises(BundleError, match="cannot read"):
        network.load_network(CONFIG, content, written_by="3.0.0")


def saved(net, folder, **members):
    """Return a `.keras` file of a network, with other members in the place of its own."""
    network.save_network(net, folder / "network.keras")
    with zipfile.ZipFile(folder / "network.keras") as good:
        return keras_file({name: good.read(name) for name in good.namelist()} | members)


def test_nothing_that_a_file_describes_is_built(tmp_path):
    net = network.build_network(CONFIG, seed=4)
    other = b'{"module": "keras.layers", "class_name": "Dense", "config": {"units": 99}, "registered_name": null}'
    again = network.load_network(CONFIG, saved(net, tmp_path, **{"config.json": other}), written_by="test")
    np.testing.assert_array_equal(network.reconstruct(again, ROWS), network.reconstruct(net, ROWS))


def test_a_file_that_names_code_is_refused_before_keras_sees_it(tmp_path, monkeypatch):
    hostile = saved(network.build_network(CONFIG, seed=4), tmp_path, **{"config.json": b'{"class_name": "Lambda"}'})
    monkeypatch.setattr(network.keras.Model, "load_weights", lambda *_: pytest.fail("Keras saw it"))
    with pytest.raises(BundleError, match="it describes 'Lambda' of 'None', which is no part of our networks"):
        network.load_network(CONFIG, hostile, written_by="test")


@pytest.mark.parametrize("activation", ["prelu", "relu"])
def test_weights_with_slopes_are_not_those_of_a_network_without(activation, tmp_path):
    other = {"prelu": "relu", "relu": "prelu"}[activation]
    content = saved(network.build_network(dataclasses.replace(CONFIG, activation=other), seed=0), tmp_path)
    with pytest.raises(BundleError, match=r"the weights have \d+ arrays, the network \d+"):
        network.load_network(dataclasses.replace(CONFIG, activation=activation), content, written_by="test")


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_network_is_the_same_after_save_and_load_with_noise_dropout_and_an_optimiser(activation, tmp_path):
    config = dataclasses.replace(CONFIG, activation=activation, dropout=0.2, input_noise=0.3)
    net = network.build_network(config, seed=2)
    net.compile(optimizer=network.keras.optimizers.AdamW(), loss="mse")
    net.train_on_batch(ROWS, ROWS)
    again = network.load_network(config, saved(net, tmp_path), written_by="test")
    np.testing.assert_array_equal(network.reconstruct(again, ROWS), network.reconstruct(net, ROWS))


def damaged_weights(folder, damage):
    """Return a `.keras` file whose HDF5 file was changed by `damage`."""
    net = network.build_network(CONFIG, seed=0)
    net.save_weights(folder / "w.weights.h5")
    with h5py.File(folder / "w.weights.h5", "a") as file:
        damage(file)
    return saved(net, folder, **{"model.weights.h5": (folder / "w.weights.h5").read_bytes()})


def in_place_of_an_array(make):
    def damage(file):
        del file["layers/dense/vars/0"]
        make(file["layers/dense/vars"])

    return damage


def external_storage(group):
    group.create_dataset("0", (5, 8), "f4", external=[("/etc/passwd", 0, 160)])


def virtual(group):
    layout = h5py.VirtualLayout((5, 8), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (5, 8))
    group.create_virtual_dataset("0", layout)


DAMAGES = {
    "an external link": (lambda g: g.__setitem__("0", h5py.ExternalLink("/etc/passwd", "/x")), "name another place"),
    "a soft link": (lambda g: g.__setitem__("0", h5py.SoftLink("/layers/dense/vars/1")), "name another place"),
    "a link without an end": (lambda g: g.__setitem__("0", g.file["layers"]), "nested without end"),
    "an array in another file": (external_storage, "is no plain array of the file itself"),
    "an array of arrays": (virtual, "is no plain array of the file itself"),
    "an array of objects": (
        lambda g: g.create_dataset("0", (5, 8), h5py.string_dtype()),
        "is no plain array of the file itself",
    ),
    "a type in the place of an array": (lambda g: g.__setitem__("0", np.dtype("f4")), "is no plain array"),
    "a compressed array": (
        lambda g: g.create_dataset("0", (50_000, 1000), "f4", data=np.zeros((50_000, 1000), "f4"), compression="gzip"),
        "is not as large as it says",
    ),
    "an array that was never written": (
        lambda g: g.create_dataset("0", (10**6, 10**6), "f4"),
        "is not as large as it says",
    ),
    "an array of nothing": (lambda g: g.create_dataset("0", data=h5py.Empty("f4")), "is not as large as it says"),
    "an array of another shape": (
        lambda g: g.create_dataset("0", data=np.zeros((8, 5), "f4")),
        r"only the file has \[\(8, 5\)",
    ),
    "an array less": (lambda g: None, "only the network"),
    "an array more": (
        lambda g: [g.create_dataset(name, data=np.zeros((5, 8), "f4")) for name in "09"],
        r"only the file has \[\(5, 8\)\], only the network \[\]",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_weights_that_are_no_plain_arrays_of_the_right_shapes_never_reach_keras(name, tmp_path, monkeypatch):
    make, complaint = DAMAGES[name]
    content = damaged_weights(tmp_path, in_place_of_an_array(make))
    monkeypatch.setattr(network.keras.Model, "load_weights", lambda *_: pytest.fail("Keras saw it"))
    with pytest.raises(BundleError, match=complaint):
        network.load_network(CONFIG, content, written_by="test")


def test_undamaged_weights_would_have_reached_keras(tmp_path, monkeypatch):
    content = damaged_weights(tmp_path, lambda file: None)
    monkeypatch.setattr(network.keras.Model, "load_weights", lambda *_: pytest.fail("Keras saw it"))
    with pytest.raises(pytest.fail.Exception, match="Keras saw it"):
        network.load_network(CONFIG, content, written_by="test")


def test_a_failure_inside_keras_is_one_error_of_ours_that_names_both_versions(tmp_path, monkeypatch):
    """Case 5, the part that reads the network."""
    path = tmp_path / "network.keras"
    network.save_network(network.build_network(CONFIG, seed=0), path)

    def fails(*arguments, **keywords):
        raise TypeError("Dense.__init__() got an unexpected keyword argument 'quantization'")

    monkeypatch.setattr(network.keras.Model, "load_weights", fails)
    with pytest.raises(
        BundleError, match=rf"{network.versions()['keras']}.*99\.0\.0.*train the detector anew"
    ) as caught:
        network.load_network(CONFIG, path.read_bytes(), written_by="99.0.0")
    assert isinstance(caught.value.__cause__, TypeError)
