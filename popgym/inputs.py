"""The names of the arrays that make up the input of a policy network.

It lies outside the rooms because the encoding of observations (``popgym.spaces``) and the network
(``popgym.networks``) both use it.

======== ================== ================================================================
name     shape              what it holds
======== ================== ================================================================
numbers  [..., F] float32   what the network takes as it is: one-hot vectors, flags, actions
measured [..., M] float32   numbers of Boxes, which the network normalises
picture0 [..., H, W, C]     the first picture of the observation, uint8; picture1 and so on
mask     [..., A] bool      which choices are allowed, one for each output of the actor
======== ================== ================================================================

Only arrays that have something to hold are there.
"""

NUMBERS, MEASURED, PICTURE, MASK = "numbers", "measured", "picture", "mask"
