from __future__ import annotations

import dataclasses
import zipfile

import numpy as np
import pytest

from models import network
from models.architecture import AutoencoderConfig
from models.errors import BundleError

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
    again = network.load_network(config, tmp_path / "network.keras", written_by="test")
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
        network.load_network(CONFIG, path, written_by="99.0.0")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04junk", b"junk"])
def test_a_damaged_file_of_weights_is_refused(content, tmp_path):
    path = tmp_path / "network.keras"
    path.write_bytes(content)
    with pytest.raises(BundleError, match="cannot read"):
        network.load_network(CONFIG, path, written_by="3.0.0")


def test_nothing_that_a_file_describes_is_built(tmp_path):
    path, hostile = tmp_path / "network.keras", tmp_path / "hostile.keras"
    net = network.build_network(CONFIG, seed=4)
    network.save_network(net, path)
    with zipfile.ZipFile(path) as good, zipfile.ZipFile(hostile, "w") as bad:
        for name in good.namelist():
            bad.writestr(name, b'{"class_name": "Lambda"}' if name == "config.json" else good.read(name))
    again = network.load_network(CONFIG, hostile, written_by="test")
    np.testing.assert_array_equal(network.reconstruct(again, ROWS), network.reconstruct(net, ROWS))


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
        network.load_network(CONFIG, path, written_by="99.0.0")
    assert isinstance(caught.value.__cause__, TypeError)
