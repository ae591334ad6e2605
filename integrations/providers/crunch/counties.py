"""Counties and regions of the United Kingdom, to tell "street, town, county" from "building, street, town"."""

from __future__ import annotations

from functools import lru_cache

from crmsync.lib.text import fold

_NAMES = (
    "aberdeenshire|anglesey|angus|antrim|argyll|armagh|avon|ayrshire|bedfordshire|berkshire|borders|buckinghamshire|caithness|"
    "cambridgeshire|carmarthenshire|ceredigion|cheshire|cleveland|clwyd|conwy|cornwall|county antrim|county armagh|county down|"
    "county durham|county fermanagh|county londonderry|county tyrone|cumbria|denbighshire|derbyshire|devon|dorset|dumfriesshire|"
    "dunbartonshire|dyfed|east lothian|east riding of yorkshire|east sussex|east yorkshire|england|essex|fife|flintshire|"
    "glamorgan|gloucestershire|greater london|greater manchester|gwent|gwynedd|hampshire|herefordshire|hertfordshire|highland|"
    "humberside|inverness-shire|isle of man|isle of wight|kent|lanarkshire|lancashire|leicestershire|lincolnshire|merseyside|"
    "mid glamorgan|middlesex|midlothian|monmouthshire|moray|norfolk|north yorkshire|northamptonshire|northern ireland|"
    "northumberland|nottinghamshire|oxfordshire|pembrokeshire|perthshire|powys|renfrewshire|rutland|scotland|shropshire|somerset|"
    "south glamorgan|south yorkshire|staffordshire|stirlingshire|suffolk|surrey|sussex|sutherland|tyne and wear|wales|"
    "warwickshire|west glamorgan|west lothian|west midlands|west sussex|west yorkshire|wiltshire|worcestershire|yorkshire"
)
_COUNTIES = frozenset(_NAMES.split("|"))


@lru_cache(maxsize=2048)
def is_county(text: str) -> bool:
    """Whether an address line is a county of the United Kingdom (and no town)."""
    return fold(text).removesuffix(".") in _COUNTIES
