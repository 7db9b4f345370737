"""What cloud-init itself makes of user data: its cloud-config, and the files of
`write_files` below DIRECTORY, as JSON.

usage: cloud_init_reads.py USER-DATA DIRECTORY
"""

import grp
import json
import logging
import os
import pwd
import sys

from cloudinit import handlers, helpers, user_data, util
from cloudinit.config import cc_write_files
from cloudinit.handlers.cloud_config import CloudConfigPartHandler

PATH, DIRECTORY = sys.argv[1:]


class Instance:
    """As much of a data source as paths ask for."""

    def get_instance_id(self):
        return "one"


def read(path):
    paths = helpers.Paths({"cloud_dir": DIRECTORY, "run_dir": DIRECTORY}, Instance())
    os.makedirs(paths.get_ipath(), exist_ok=True)
    handler = CloudConfigPartHandler(paths)
    known = helpers.ContentHandlers()
    known.register(handler)
    with open(path, "rb") as file:
        message = user_data.UserDataProcessor(paths).process(file.read())
    state = {
        "handlers": known,
        "handlerdir": DIRECTORY,
        "data": None,
        "frequency": "always",
        "handlercount": 0,
        "excluded": [],
    }
    handlers.call_begin(handler, None, "always")
    handlers.walk(message, handlers.walker_callback, data=state)
    handlers.call_end(handler, None, "always")
    return util.load_yaml(util.load_file(handler.cloud_fn), default={})


def write(files):
    owner = f"{pwd.getpwuid(os.getuid()).pw_name}:{grp.getgrgid(os.getgid()).gr_name}"
    here = [dict(file, path=DIRECTORY + "/root" + file["path"], owner=owner) for file in files]
    cc_write_files.write_files("write_files", here, owner)
    return {
        file["path"]: {
            "mode": oct(os.stat(there["path"]).st_mode & 0o7777),
            "content": open(there["path"], encoding="utf-8").read(),
        }
        for file, there in zip(files, here)
    }


logging.disable(logging.INFO)
config = read(PATH)
print(json.dumps({"config": config, "files": write(config.get("write_files", []))}))
