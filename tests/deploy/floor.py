#!/usr/bin/env python3
"""Evaluates the floors of many policies by cel-python, over requests of which the gate's verdicts are known.

floor.py FILE [REQUESTS]    the file is what the test `soundness` of the core writes, where the variable
                            IMAGEGATE_FLOOR_CORPUS names one; of each policy the first REQUESTS are evaluated

Fails where a floor refuses what the gate admits, where an expression errs, and where this implementation of
CEL (pip install cel-python) says something else than the one of the test. Exits 77 where it is not installed.
"""

import json
import sys

try:
    import celpy
except ImportError:
    sys.exit(77)

ENVIRONMENT = celpy.Environment()


def program(expression):
    return ENVIRONMENT.program(ENVIRONMENT.compile(expression))


class Floor:
    def __init__(self, written):
        self.variables = [(each["name"], program(each["expression"])) for each in written["variables"]]
        self.validations = [
            (program(each["expression"]), program(each["messageExpression"]))
            for each in written["validations"]
        ]

    def refusal(self, request):
        """The message for a request; None where it is admitted."""
        known = celpy.celtypes.MapType()
        activation = {
            "request": celpy.json_to_cel({k: v for k, v in request.items() if "bject" not in k}),
            "object": celpy.json_to_cel(request["object"]),
            # On CREATE the API server has none; cel-python cannot pass null on, so any will do.
            "oldObject": celpy.json_to_cel(request.get("oldObject") or {}),
            "variables": known,
        }
        for name, expression in self.variables:
            known[celpy.celtypes.StringType(name)] = expression.evaluate(activation)
        for expression, message in self.validations:
            if not expression.evaluate(activation):
                return str(message.evaluate(activation))
        return None


def main() -> int:
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    most = int(sys.argv[2]) if len(sys.argv) == 3 else sys.maxsize
    floors = requests = failures = of_this = 0
    floor = None
    with open(sys.argv[1], encoding="utf-8") as corpus:
        for line in corpus:
            row = json.loads(line)
            if "variables" in row:
                floor, of_this = Floor(row), 0
                floors += 1
                continue
            if of_this == most:
                continue
            of_this += 1
            requests += 1
            refused = floor.refusal(row["request"])
            if refused is not None and not row["denied"]:
                print(f"refused, and the gate admits it: {refused}\n{json.dumps(row['request'])}")
                failures += 1
            elif refused != row["refused"]:
                print(f"{refused!r}, wanted {row['refused']!r}\n{json.dumps(row['request'])}")
                failures += 1
    print(f"{requests} requests by {floors} floors, {failures} contradictions")
    return int(failures > 0 or requests == 0)


if __name__ == "__main__":
    sys.exit(main())
