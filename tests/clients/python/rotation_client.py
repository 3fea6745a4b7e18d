"""A rotation policy and a rotation through azure-keyvault-keys, as anyone would write it:
``rotation_client.py POOL``. Prints one JSON line a step. The pool is active, and whoever runs this may do
everything in it."""

import json
import sys

from azure.identity import EnvironmentCredential
from azure.keyvault.keys import (
    KeyClient,
    KeyRotationLifetimeAction,
    KeyRotationPolicy,
    KeyRotationPolicyAction,
)
from azure.keyvault.keys.crypto import CryptographyClient, SignatureAlgorithm

DIGEST = b"d" * 32


def say(step, **facts):
    print(json.dumps({"step": step, **facts}), flush=True)


def main(name):
    credential = EnvironmentCredential()
    with KeyClient(f"https://{name}.managedhsm.azure.net", credential) as keys:
        first = keys.create_rsa_key("payments", size=2048, hardware_protected=True)
        signature = CryptographyClient(first, credential).sign(SignatureAlgorithm.rs256, DIGEST).signature
        say("none yet", actions=actions(keys.get_key_rotation_policy("payments")))
        rotate = KeyRotationLifetimeAction(KeyRotationPolicyAction.rotate, time_after_create="P30D")
        keys.update_key_rotation_policy(
            "payments", KeyRotationPolicy(expires_in="P90D", lifetime_actions=[rotate])
        )
        policy = keys.get_key_rotation_policy("payments")
        say("policy", expires_in=policy.expires_in, actions=actions(policy))
        second = keys.rotate_key("payments")
        lasts = second.properties.expires_on - second.properties.created_on
        versions = list(keys.list_properties_of_key_versions("payments"))
        say("rotated", versions=len(versions), is_new=second.id != first.id, days=lasts.days)
        old = CryptographyClient(first.id, credential)
        valid = old.verify(SignatureAlgorithm.rs256, DIGEST, signature).is_valid
        say("old", verifies=valid, current=keys.get_key("payments").id == first.id)


def actions(policy):
    return [
        [one.action.value, one.time_after_create, one.time_before_expiry] for one in policy.lifetime_actions
    ]


if __name__ == "__main__":
    main(sys.argv[1])
