"""Recurrent layers and their cells."""

from graphc.nn.recurrent.cells import GRUCell, LSTMCell, RNNCell, RNNCellBase
from graphc.nn.recurrent.layers import GRU, LSTM, RNN, RNNBase

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase"]
