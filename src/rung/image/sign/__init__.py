"""Signatures of images, as cosign makes and reads them, and the policy that asks for them.

    secretbox.py   NaCl's secretbox, for cosign's private key files   pure
    keys.py        key pairs: files, passwords, signing, verifying
    payload.py     what is signed: "simple signing"                   pure
    bundle.py      the same as a Sigstore bundle                      pure
    forms.py       how signatures lie in a registry: tag, referrer    pure
    counting.py    which signatures count                             pure
    attached.py    fetching and attaching them
    signing.py     ``rung image sign``
    verifying.py   ``rung image verify --key``
    policy.py, identity.py   containers-policy.json(5)                pure
    policy_file.py where the policy of this machine is
    admission.py   whether an image may come in or run

Rule: a signature counts when its bytes were signed by the key, and those bytes name the very
digest that is asked about. Nothing else in a signature's manifest is believed.
"""
