"""Write dashboards/superset/assets/datasets from what the marts say of themselves."""

from __future__ import annotations

from pathlib import Path

from ruamel.yaml import YAML

from arrears.superset.datasets import datasets

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "dashboards" / "superset" / "assets" / "datasets" / "arrears"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    yaml = YAML()
    yaml.width, yaml.allow_unicode = 120, True
    for dataset in datasets(ROOT / "dbt_project"):
        with (FOLDER / f"{dataset['table_name']}.yaml").open("w", encoding="utf-8") as file:
            yaml.dump(dataset, file)


if __name__ == "__main__":
    main()
