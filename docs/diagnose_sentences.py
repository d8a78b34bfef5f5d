"""Sentence embeddings by all-MiniLM-L6-v2 in NumPy, so that no deep-learning framework is needed.

The network is the encoder of Devlin et al. 2019 (arXiv 1810.04805): six layers, twelve heads, 384 numbers a token.
The sentence is the mean of its tokens, scaled to length 1, as in the model's own modules.json.
"""

import zipfile

import numpy as np
from safetensors.numpy import load
from scipy.special import erf
from tokenizers import Tokenizer

LAYERS, HEADS, TOKENS = 6, 12, 128


def normalised(x, weights, name):
    """Layer normalisation over the last axis; the constant is the model's own."""
    x = x - x.mean(-1, keepdims=True)
    x = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-12)
    return x * weights[f"{name}.LayerNorm.weight"] + weights[f"{name}.LayerNorm.bias"]


def dense(x, weights, name):
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def attention(x, weights, name):
    """Self-attention of one sentence, x: tokens x 384. Without padding, so without a mask."""
    split = lambda part: dense(x, weights, f"{name}.self.{part}").reshape(len(x), HEADS, -1).transpose(1, 0, 2)
    query, key, value = split("query"), split("key"), split("value")
    scores = query @ key.transpose(0, 2, 1) / np.sqrt(query.shape[-1])
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    scores /= scores.sum(-1, keepdims=True)
    return (scores @ value).transpose(1, 0, 2).reshape(len(x), -1)


def sentence(ids, weights):
    """The embedding of one sentence from the numbers of its tokens."""
    x = weights["embeddings.word_embeddings.weight"][ids]
    x = x + weights["embeddings.position_embeddings.weight"][: len(ids)] + weights["embeddings.token_type_embeddings.weight"][0]
    x = normalised(x, weights, "embeddings")
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        heads = attention(x, weights, f"{name}.attention")
        x = normalised(x + dense(heads, weights, f"{name}.attention.output.dense"), weights, f"{name}.attention.output")
        hidden = dense(x, weights, f"{name}.intermediate.dense")
        hidden = hidden * 0.5 * (1 + erf(hidden / np.sqrt(2)))
        x = normalised(x + dense(hidden, weights, f"{name}.output.dense"), weights, f"{name}.output")
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


def embed(sentences, model):
    """The embeddings of sentences, a row each, by the model in a zip archive."""
    with zipfile.ZipFile(model) as archive:
        weights = load(archive.read("model.safetensors"))
        tokenizer = Tokenizer.from_str(archive.read("tokenizer.json").decode())
    tokenizer.no_padding()
    tokenizer.enable_truncation(TOKENS)
    return np.array([sentence(tokenizer.encode(text).ids, weights) for text in sentences], dtype=np.float32)
