"""What cloud-init's own schema says of generated and given cloud-config, and
what a JSON Schema validator says of it by the schema on stdin.

Documents are generated along both schemas: each key with values that fit and
with values that don't, without what is required, with one key too many.

stdin:  {"schema": …, "texts": ["#cloud-config …", …]}
stdout: [{"text": …, "key": …, "cloud_init": BOOL or null, "validator": BOOL}, …]
        where a key is the top-level one, and null means that cloud-init's
        schema doesn't know it.
"""

import json
import re
import sys

import yaml
from cloudinit.config import schema as cloud_init
from jsonschema import Draft202012Validator

ANYTHING = ["a", 5, True, None, [], {}]
# One of them fits each pattern of the schemas, one doesn't.
TEXTS = ["a", "", "1G", "+5", "now", "a:b", "2030-01-31", "/dev/sda", "set-passwords", "write_files"]
KEYS = ["a", "rsa_private", "ed25519_public", "a-b", "a/b", "kairos-install.pre", "provider-kairos.bootstrap.before.worker"]


def key_of(value):
    return json.dumps(value, sort_keys=True)


class Generator:
    def __init__(self, schema):
        self.defs = schema.get("$defs", {})

    def resolve(self, schema):
        while "$ref" in schema:
            rest = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {**self.defs[schema["$ref"].rpartition("/")[2]], **rest}
        return schema

    def values(self, schema):
        """Values of which some fit, each once; the first fits."""
        schema = self.resolve(schema)
        found = list(self.fitting(schema)) + ANYTHING + list(schema.get("enum", []))
        return list({key_of(value): value for value in found}.values())

    def fitting(self, schema):
        if "enum" in schema and isinstance(schema["enum"], list):
            yield from schema["enum"]
            yield "edgectl"
            return
        types = schema.get("type", [])
        types = [types] if isinstance(types, str) else types
        if "object" in types or "properties" in schema or "patternProperties" in schema:
            yield from self.objects(schema)
        if "array" in types:
            yield from self.arrays(schema)
        if "integer" in types or "number" in types:
            yield from [schema.get("minimum", 1), schema.get("minimum", 1) - 1]
        if "string" in types:
            pattern = schema.get("pattern", "")
            yield from sorted(TEXTS if pattern else TEXTS[:1], key=lambda t: not re.search(pattern, t))
        for branch in schema.get("oneOf", []) + schema.get("anyOf", []):
            # What stands beside the forms holds for each of them.
            whole = {k: v for k, v in schema.items() if k not in ("oneOf", "anyOf")}
            branch = self.resolve(branch)
            if branch.keys() <= {"required", "deprecated"}:
                yield from self.objects({**whole, **branch})
            else:
                yield from self.values(branch)

    def objects(self, schema):
        known = schema.get("properties", {})
        base = {key: self.values(known[key])[0] for key in schema.get("required", []) if key in known}
        if not base and schema.get("minProperties") and known:
            first = next(iter(known))
            base = {first: self.values(known[first])[0]}
        yield base
        for missing in base:
            yield {key: value for key, value in base.items() if key != missing}
        shared = set()
        for key, below in known.items():
            # Keys that are alike are tried once.
            values = self.values(below)[: 1 if below.get("$ref") in shared else None]
            shared.add(below.get("$ref", key))
            for value in values:
                yield {**base, key: value}
        of_names = [*schema.get("patternProperties", {}).items()]
        more = schema.get("additionalProperties", True)
        if isinstance(more, dict):
            of_names.append(("", more))
        for pattern, below in of_names:
            fitting = [key for key in KEYS if re.search(pattern, key)]
            for value in self.values(below):
                yield {**base, fitting[0]: value}
        for key in KEYS + ["edgectl"]:
            yield {**base, key: "a"}
        for branch in schema.get("oneOf", []) + schema.get("anyOf", []):
            both = self.resolve(branch).get("required", [])
            base = {**base, **{key: self.values(known[key])[0] for key in both if key in known}}
        yield base

    def arrays(self, schema):
        values = self.values(schema["items"]) if "items" in schema else ANYTHING
        least = schema.get("minItems", 1)
        first = values[0]
        several = [first] + [f"{first}{n}" if isinstance(first, str) else first for n in range(12)]
        yield several[:least]
        yield [first, first]
        for count in (least - 1, schema.get("maxItems", 1) + 1):
            yield several[:count]
        for value in values:
            yield ([value] + several[1:])[:least]


def properties(schema):
    """The top-level keys of cloud-init's schema, which has one part a module."""
    found = dict(schema.get("properties", {}))
    for part in schema.get("allOf", []):
        name = part["$ref"].rpartition("/")[2]
        for key, below in schema["$defs"][name].get("properties", {}).items():
            if below.keys() - {"$ref"} or key not in found:
                found[key] = {**found.get(key, {}), **below}
    return found


def is_let_through(error, top):
    """Palette and Kairos take an empty section for none; but stages are lists."""
    if top == "stages" and 1 < len(error.path) < 4:
        return False
    kinds = error.schema.get("type", [])
    is_section = "object" in kinds or "array" in kinds
    is_size = error.validator in ("minItems", "minProperties") and not error.instance
    is_empty = is_size or (error.validator == "type" and error.instance is None and is_section)
    return is_empty and top in ("stylus", "install", "stages", "k3s", "k3s-agent", "p2p")


def main():
    given = json.load(sys.stdin)
    schema = cloud_init.get_schema()
    known = properties(schema)
    make, formats = cloud_init.get_jsonschema_validator()
    judge = make(schema, format_checker=formats())
    validator = Draft202012Validator(given["schema"])
    documents = {text: yaml.safe_load(text) for text in given["texts"]}
    for source, keys in ((schema, known), (given["schema"], given["schema"]["properties"])):
        generator = Generator(source)
        for key, below in keys.items():
            for value in generator.values(below):
                documents["#cloud-config\n" + json.dumps({key: value}) + "\n"] = {key: value}
    judged = []
    for text, document in documents.items():
        key = next(iter(document))
        ours = (e for e in validator.iter_errors(document) if not is_let_through(e, key))
        said = {
            "text": text,
            "key": key,
            "cloud_init": judge.is_valid(document) if key in known else None,
            "validator": next(ours, None) is None,
        }
        judged.append(said)
    json.dump(judged, sys.stdout)


main()
