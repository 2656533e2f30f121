"""Writes the bundled calibration texts: five kinds, each from a seeded generator of this project's own. `python3 make.py` in this folder; same files each time.

Questions are rows of {question or prompt, answer, reasons}; `stories` and `driving` are rows of {text}.
"""

import json
import random

NAMES = "Ada Bo Cy Dee Eli Fay Gus Hal Ivy Jo Kit Lu Mia Ned Ola Pip Quin Ruth Sam Tess Uma Vic Wyn Yara Zed".split()
THINGS = "apples cones stamps bricks pears coins shells books nails cups ropes seeds".split()
PLACES = "harbour market orchard station library bridge mill garden workshop school".split()


def arithmetic(r):
    n, thing, a, b = r.choice(NAMES), r.choice(THINGS), r.randint(2, 60), r.randint(2, 40)
    kind = r.randrange(4)
    if kind == 0:
        return f"{n} has {a} {thing} and buys {b} more. How many {thing} are there now?", a + b, f"{n} starts with {a}. Then {b} are added. {a}+{b}={a + b}."
    if kind == 1:
        a += b
        return f"{n} has {a} {thing} and gives {b} away. How many {thing} are left?", a - b, f"{n} starts with {a}. {b} go away. {a}-{b}={a - b}."
    if kind == 2:
        a, b = a % 12 + 2, b % 12 + 2
        return f"{n} fills {a} boxes with {b} {thing} each. How many {thing} is that?", a * b, f"Each box holds {b}. There are {a} boxes. {a}*{b}={a * b}."
    c = r.randint(2, 9)
    return f"{n} has {a} {thing}, buys {b} and then {c} more. How many {thing} in all?", a + b + c, f"{a}+{b}={a + b}. Then {c} more. {a + b}+{c}={a + b + c}."


def entailment(r):
    n, m, colour, other = r.choice(NAMES), r.choice(NAMES), *r.sample("red blue green white black yellow".split(), 2)
    verb, thing = r.choice([("drives", "van"), ("paints", "door"), ("carries", "bag"), ("repairs", "bicycle"), ("sails", "boat")])
    premise = f"{n} {verb} a {colour} {thing} at the {r.choice(PLACES)}."
    kind = r.randrange(3)
    hypothesis = [f"Somebody {verb} a {thing}.", f"{m} likes the {thing}.", f"The {thing} is {other}."][kind]
    reasons = [f"{n} is somebody, and what is done is the same.", f"Nothing is said of what {m} likes.", f"A {colour} {thing} is not {other}."][kind]
    return f"Premise: {premise}\nHypothesis: {hypothesis}\nLabel:", ["entailment", "neutral", "contradiction"][kind], reasons


def commonsense(r):
    facts = [
        ("keep milk cold", "fridge", ["oven", "shelf", "drawer"]), ("cut bread", "knife", ["spoon", "pillow", "rope"]), ("cross a river", "bridge", ["ladder", "lamp", "wall"]),
        ("see at night", "lamp", ["curtain", "basket", "plate"]), ("dry wet hands", "towel", ["mirror", "coin", "fork"]), ("write a letter", "pen", ["hammer", "shoe", "cup"]),
        ("open a lock", "key", ["leaf", "bowl", "scarf"]), ("drive in a nail", "hammer", ["sponge", "book", "candle"]), ("carry water", "bucket", ["net", "comb", "string"]),
        ("tell the time", "clock", ["blanket", "stone", "brush"]), ("stay dry in rain", "umbrella", ["fan", "chalk", "drum"]), ("measure a room", "tape", ["flute", "sieve", "kite"]),
    ]
    what, right, wrong = r.choice(facts)
    choices = wrong + [right]
    r.shuffle(choices)
    letter = "ABCD"[choices.index(right)]
    lines = "\n".join(f"{l}. {c}" for l, c in zip("ABCD", choices))
    return f"What does {r.choice(NAMES)} need to {what}?\nChoices:\n{lines}", letter, f"To {what} one takes a {right}. That is {letter}."


def story(r):
    n, m = r.sample(NAMES, 2)
    place, thing, weather = r.choice(PLACES), r.choice(THINGS), r.choice("rain wind fog frost heat snow".split())
    middle = [
        f"The {weather} had come early that year, and the {place} was quiet.", f"{m} said little, as always, and counted the {thing} twice.",
        f"\"We should have brought more {thing},\" said {n}.", f"Nobody else was at the {place}, only a dog that followed them.",
        f"Behind the {place} a path went down to the water.", f"{m} laughed and put the {thing} back into the basket.",
        "For an hour they worked without a word.", f"Then the {weather} stopped, all at once.",
    ]
    r.shuffle(middle)
    end = r.choice([f"In the evening {n} walked home alone.", "They came back the next day, and the day after.", f"{m} kept the last of the {thing} for years."])
    return " ".join([f"{n} met {m} at the {place} before it was light."] + middle[: r.randint(4, 8)] + [end])


def driving(r):
    cars, people = r.randint(0, 5), r.randint(0, 3)
    lines = [f"I'm observing {cars} cars and {people} pedestrians."]
    for _ in range(cars):
        lines.append(f"A car at {r.randint(-60, 60)} degrees, {r.randint(2, 40)} metres away, {r.choice(['ahead', 'oncoming', 'crossing'])}.")
    for _ in range(people):
        lines.append(f"A pedestrian at {r.randint(-60, 60)} degrees, {r.randint(2, 40)} metres away, on the {r.choice(['left', 'right'])}.")
    light = r.choice(["red", "green", "amber", None])
    if light:
        lines.append(f"The traffic light is {light}. It is {r.randint(3, 40)} metres ahead.")
    speed = r.randint(0, 50)
    brake = r.randint(30, 100) if light == "red" or people > 1 else 0
    lines.append(f"I drive at {speed} km/h. Accelerator {0 if brake else r.randint(0, 60)} %, brake {brake} %, steering {r.randint(0, 20)} % {r.choice(['left', 'right'])}.")
    return " ".join(lines)


def main():
    for number, (name, make, rows) in enumerate([("arithmetic", arithmetic, 500), ("entailment", entailment, 400), ("commonsense", commonsense, 400), ("stories", story, 160), ("driving", driving, 200)]):
        r = random.Random(1000 + number)
        with open(f"{name}.jsonl", "w") as f:
            for _ in range(rows):
                made = make(r)
                if isinstance(made, str):
                    row = {"text": made}
                else:
                    # A premise and its label are a prompt of their own form.
                    key, value = ("prompt", made[0] + " ") if name == "entailment" else ("question", made[0])
                    row = {key: value, "answer": str(made[1]), "reasons": made[2]}
                f.write(json.dumps(row, ensure_ascii=False) + "\n")


main()
