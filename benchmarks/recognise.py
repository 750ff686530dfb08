"""What a saved classifier makes of created images: python benchmarks/recognise.py <agent.safetensors> <..._Samples.npy>

Prints the share of samples that it names with a confidence above 0.9, and how often it finds each class.
"""

import sys

import numpy as np

from Logging.Recogniser import Recogniser

if __name__ == '__main__':
    recogniser = Recogniser(sys.argv[1])
    confidence, label = recogniser.name(np.load(sys.argv[2], allow_pickle=False))
    print(f'{(confidence > 0.9).mean():.1%} of {len(label)} named with confidence above 0.9')
    shares = np.bincount(label, minlength=recogniser.agent.spec.num_actions) / len(label)
    print('classes:', ' '.join(f'{share:.1%}' for share in shares))
