"""What cloud-init's own Jinja and YAML make of templates.

stdin:  [{"texts": ["## template: jinja …", …], "values": [{"a": true, …}, …]}, …]
stdout: [{"refused": [TEXT or null, …], "rendered": [[{"text": …, "yaml": …} …], …]}, …]
        "refused" is what Jinja says against each text, and "rendered" what each
        becomes with each of the values; "error" is in place of "yaml" where that
        can't be read, or in place of both.
"""

import functools
import json
import sys

import yaml
from cloudinit import templater
from jinja2 import Environment, TemplateError


def refused(text):
    body = text.split("\n", 1)[1]
    try:
        compiled = Environment(extensions=["jinja2.ext.do"], trim_blocks=True)
        compiled.compile(body)
    except TemplateError as error:
        return f"line {getattr(error, 'lineno', 0)}: {error}"
    except Exception as error:
        return str(error)
    return None


def rendered(text, values):
    try:
        made = templater.render_string(text, json.loads(json.dumps(values)))
    except Exception as error:
        return {"error": f"Jinja: {error}"}
    return read(made)


@functools.lru_cache(maxsize=4096)
def read(made):
    try:
        return {"text": made, "yaml": yaml.safe_load(made)}
    except Exception as error:
        return {"text": made, "error": str(error)}


class Once:
    """cloud-init's template of a text, compiled for the first rendering alone."""

    compiled = {}
    original = templater.JTemplate

    def __new__(cls, content, **options):
        if content not in cls.compiled:
            cls.compiled = {content: cls.original(content, **options)}
        return cls.compiled[content]


def answer(question):
    texts = question["texts"]
    values = question["values"]
    return {
        "refused": [refused(text) for text in texts],
        "rendered": [[rendered(text, each) for each in values] for text in texts],
    }


templater.JTemplate = Once
print(json.dumps([answer(question) for question in json.load(sys.stdin)], default=str))
