"""A fake AWS on moto: issues credentials for a role, and checks every request that is made with them."""

from __future__ import annotations

import json
import logging
import urllib.request
from dataclasses import dataclass
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

import demo

REGION = "us-east-1"
OBJECT = "hello.txt"
CONTENT = b"hello"


@dataclass(frozen=True)
class FakeAws:
    """A running server with one bucket, one role that may read it, and one user that may assume the role."""

    url: str
    server: ThreadedMotoServer
    user_keys: dict[str, str]

    def credentials(self, role: str, session: str, seconds: int) -> dict[str, Any]:
        """The response of moto's AssumeRole; the caller has checked the proof."""
        return client(self.url, "sts", self.user_keys).assume_role(
            RoleArn=role, RoleSessionName=session, DurationSeconds=seconds
        )

    def stop(self) -> None:
        self.server.stop()


def start() -> FakeAws:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    user_keys = fill(url)
    # The body must be plain text: moto silently ignores a form.
    reset = urllib.request.Request(f"{url}/moto-api/reset-auth", data=b"0", headers={"Content-Type": "text/plain"})
    with urllib.request.urlopen(reset, timeout=10):
        return FakeAws(url, server, user_keys)


def fill(url: str) -> dict[str, str]:
    """Creates user, role and bucket while moto does not check requests yet; returns the user's keys."""
    anybody = {"AccessKeyId": "setup", "SecretAccessKey": "setup"}
    iam, s3 = client(url, "iam", anybody), client(url, "s3", anybody)
    iam.create_user(UserName="sts")
    iam.put_user_policy(UserName="sts", PolicyName="assume-roles", PolicyDocument=policy("sts:AssumeRole", "*"))
    # The fake STS checks the proof and then assumes the role as this user.
    user = f"arn:aws:iam::{demo.AWS_ACCOUNT}:user/sts"
    trust = {"Effect": "Allow", "Principal": {"AWS": user}, "Action": "sts:AssumeRole"}
    iam.create_role(
        RoleName=demo.AWS_ROLE.rpartition("/")[2],
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    iam.put_role_policy(
        RoleName=demo.AWS_ROLE.rpartition("/")[2],
        PolicyName="reads",
        PolicyDocument=policy("s3:GetObject", f"arn:aws:s3:::{demo.AWS_BUCKET}/*"),
    )
    s3.create_bucket(Bucket=demo.AWS_BUCKET)
    s3.put_object(Bucket=demo.AWS_BUCKET, Key=OBJECT, Body=CONTENT)
    return iam.create_access_key(UserName="sts")["AccessKey"]


def policy(action: str, resource: str) -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def client(url: str, service: str, keys: dict[str, str]) -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys.get("SessionToken"),
    )
