"""The forward pass of a BERT encoder in numpy, from the weights as they are published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

EPSILON = 1e-12
"""`layer_norm_eps` of BERT's configuration."""
FAR_BELOW = np.float32(-1e9)
"""What a token that is not there adds to its attention: nothing is left of it."""
GELU_AT_ONCE = 64 * 1024
"""Numbers whose activation is computed at once, so that what is in between stays in the cache."""
_SQRT_HALF = np.float32(0.5**0.5)
_ERF_P = 0.3275911
_ERF_A = (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)
"""Formula 7.1.26 of Abramowitz and Stegun, Handbook of Mathematical Functions: erf to 1.5e-7."""


@dataclass(frozen=True)
class _Dense:
    """A linear layer; `weight` has the shape (inputs, outputs)."""

    weight: Floats
    bias: Floats

    def __call__(self, inputs: Floats) -> Floats:
        # In two dimensions: a matrix product of three would be one of its own for every text.
        outputs: Floats = inputs.reshape(-1, inputs.shape[-1]) @ self.weight
        outputs += self.bias
        return outputs.reshape(*inputs.shape[:-1], -1)


@dataclass(frozen=True)
class _Norm:
    """Brings every token to mean 0 and variance 1, then to a learned scale."""

    weight: Floats
    bias: Floats

    def __call__(self, inputs: Floats) -> Floats:
        centred = inputs - inputs.mean(axis=-1, keepdims=True)
        variance = np.einsum("...i,...i->...", centred, centred) / np.float32(centred.shape[-1])
        centred /= np.sqrt(variance + np.float32(EPSILON))[..., None]
        centred *= self.weight
        centred += self.bias
        normed: Floats = centred
        return normed


@dataclass(frozen=True)
class _Layer:
    """One layer of the encoder; `attended` makes queries, keys and values in one go."""

    attended: _Dense
    together: _Dense
    norm: _Norm
    wider: _Dense
    narrower: _Dense
    last_norm: _Norm
    heads: int

    def __call__(self, states: Floats, missing: Floats) -> Floats:
        states = self.norm(states + self.together(self._attention(states, missing)))
        return self.last_norm(states + self.narrower(gelu(self.wider(states))))

    def _attention(self, states: Floats, missing: Floats) -> Floats:
        texts, tokens, width = states.shape
        split = self.attended(states).reshape(texts, tokens, 3, self.heads, width // self.heads)
        query, key, value = split.transpose(2, 0, 3, 1, 4)
        weights: Floats = query @ key.swapaxes(-1, -2)
        weights *= np.float32((width // self.heads) ** -0.5)
        weights += missing
        weights -= weights.max(axis=-1, keepdims=True)
        np.exp(weights, out=weights)
        weights /= weights.sum(axis=-1, keepdims=True)
        mixed: Floats = (weights @ value).transpose(0, 2, 1, 3).reshape(texts, tokens, width)
        return mixed


@dataclass(frozen=True)
class Bert:
    """An encoder: what each token means beside the others. Threads can share one object.

    The words and positions have one row each; a row of `positions` holds the one kind of segment
    that there is as well.
    """

    words: Floats
    positions: Floats
    norm: _Norm
    layers: Sequence[_Layer]

    def __call__(self, tokens: NDArray[np.intp], present: Bools) -> Floats:
        """Return one state a token, of the shape (texts, tokens, width).

        Both arguments have the shape (texts, tokens); `present` is false for what only fills a
        shorter text up. Raises `IndexError` for a token or more tokens than the model knows.
        """
        places = np.arange(tokens.shape[1])
        states = self.norm(self.words[tokens] + self.positions[places])
        missing = np.where(present, np.float32(0), FAR_BELOW)[:, None, None, :]
        for layer in self.layers:
            states = layer(states, missing)
        return states


def bert(tensors: Mapping[str, Floats], heads: int) -> Bert:
    """Return the encoder of published weights, by the names that BERT's tensors have.

    Raises `KeyError` if one of them is not there.
    """
    embeddings = "embeddings"
    positions = tensors[f"{embeddings}.position_embeddings.weight"]
    segment = tensors[f"{embeddings}.token_type_embeddings.weight"][0]
    names = {name.split(".")[2] for name in tensors if name.startswith("encoder.layer.")}
    return Bert(
        tensors[f"{embeddings}.word_embeddings.weight"],
        positions + segment,
        _norm(tensors, f"{embeddings}.LayerNorm"),
        [_layer(tensors, f"encoder.layer.{number}", heads) for number in range(len(names))],
    )


def _layer(tensors: Mapping[str, Floats], name: str, heads: int) -> _Layer:
    own = f"{name}.attention.self"
    parts = [_dense(tensors, f"{own}.{part}") for part in ("query", "key", "value")]
    return _Layer(
        attended=_Dense(
            np.concatenate([part.weight for part in parts], axis=1),
            np.concatenate([part.bias for part in parts]),
        ),
        together=_dense(tensors, f"{name}.attention.output.dense"),
        norm=_norm(tensors, f"{name}.attention.output.LayerNorm"),
        wider=_dense(tensors, f"{name}.intermediate.dense"),
        narrower=_dense(tensors, f"{name}.output.dense"),
        last_norm=_norm(tensors, f"{name}.output.LayerNorm"),
        heads=heads,
    )


def _dense(tensors: Mapping[str, Floats], name: str) -> _Dense:
    # Turned over in memory, too: products are a third faster then.
    weight = np.ascontiguousarray(tensors[f"{name}.weight"].T)
    return _Dense(weight, tensors[f"{name}.bias"])


def _norm(tensors: Mapping[str, Floats], name: str) -> _Norm:
    return _Norm(tensors[f"{name}.weight"], tensors[f"{name}.bias"])


def gelu(inputs: Floats) -> Floats:
    """Change the numbers into x * (1 + erf(x / sqrt 2)) / 2, and return them.

    The array must be contiguous; the error is below 1e-6 for what a layer brings about.
    """
    flat = inputs.reshape(-1)
    for start in range(0, flat.size, GELU_AT_ONCE):
        part = flat[start : start + GELU_AT_ONCE]
        part *= _normal_share(part)
    return inputs


def _normal_share(values: Floats) -> Floats:
    """Return (1 + erf(x / sqrt 2)) / 2: the share of a normal distribution that is below x."""
    scaled = np.abs(values)
    scaled *= _SQRT_HALF
    inverse = np.float32(1) / (np.float32(_ERF_P) * scaled + np.float32(1))
    tail = inverse * np.float32(_ERF_A[0])
    for coefficient in _ERF_A[1:]:
        tail += np.float32(coefficient)
        tail *= inverse
    scaled *= scaled
    tail *= np.exp(-scaled)
    tail *= np.float32(0.5)
    return np.where(values < 0, tail, np.float32(1) - tail)
