"""The made-up people and organisations of the demo. Telephone numbers come from ranges kept for fiction, mail from .example.

Some organisations are named exactly like a client of the sandbox books, so that the first sync links them; "Saltmarsh Books" stands
here twice, so that it is held for a person; a few are named nearly like one, so that they are offered as duplicates; Redcliffe Pottery
lacks what an export asks for.
"""

from __future__ import annotations

from dataclasses import dataclass

# Who: a Anna (owner), b Ben (administrator), p Paul (member), s Sofia (restricted member); N and S are teams.
# name | life cycle | owner | team | tags | line1 | line2 | city | region | postcode | country | phone
_ORGANISATIONS = """
Bluebell Joinery|client|p|N|Trades, Key account|||||||0113 496 0112
Northgate Dental Practice|client|b|N|Health|||||||0161 496 0127
Meridian Coffee Roasters Limited|client|a||Hospitality, Key account|||||||0117 496 0133
Pennine Web Studio Ltd|client|p|N|Creative, Partner|||||||
Café Zoë|prospect|s|S|Hospitality|||||||020 7946 0145
Saltmarsh Books|client|a||Retail|14 Elm Hill||Norwich|Norfolk|NR3 1HN|GB|
Saltmarsh Books|prospect|p|N|Retail|2 Fish Row||Salisbury|Wiltshire|SP1 1EX|GB|
Harrington and Cole|client|b|N|Professional|||||||
Whitaker Plumbing and Heating Ltd|prospect|p|N|Trades|||||||0114 496 0158
Thistle and Thorn Florist|lead|s|S|Retail|||||||
Redcliffe Pottery|prospect|a||Creative, Retail|4 Redcliffe Parade||||BS1 6SP|GB|0117 496 0161
Ashdown Veterinary Group|client|p|S|Health, Key account|Ashdown House|8 Beacon Road|Crowborough|East Sussex|TN6 1AL|GB|
Brook & Barley Bakery|client|s|S|Hospitality|27 North Street||Guildford|Surrey|GU1 4TE|GB|01632 960011
Calder Valley Cycles|client|p|N|Retail|Unit 3|Station Yard|Hebden Bridge|West Yorkshire|HX7 6JE|GB|01632 960024
Cardigan Bay Charters|lead|b||Hospitality|1 The Quay||Aberaeron|Ceredigion|SA46 0BU|GB|
Copperbeech Architects LLP|client|a||Professional, Key account|61 Queen Square||Bristol||BS1 4JZ|GB|0117 496 0174
Drummond & Rae Solicitors|client|b|N|Professional|19 Heriot Row||Edinburgh||EH3 6HP|GB|0131 496 0182
Eastgate Community Trust|client|a||Charity|Eastgate Hall|44 Cowbridge Road East|Cardiff||CF11 9DU|GB|029 2018 0195
Fernhill Physiotherapy|prospect|s|S|Health|3 Grange Road||Lewes|East Sussex|BN7 1TS|GB|
Gable End Interiors|former|p|N|Creative|9 Tib Street||Manchester||M4 1LN|GB|0161 496 0203
Hopyard Brewing Company|client|b||Hospitality|The Old Oast|Mill Lane|Faversham|Kent|ME13 7NB|GB|01632 960037
Inkwell Print Cooperative|client|p|N|Creative, Partner|12 Mabgate||Leeds||LS9 7DR|GB|0113 496 0214
Juniper Court Care Home|prospect|a||Health, Charity|Juniper Court|5 Pennsylvania Road|Exeter|Devon|EX4 5DS|GB|
Kestrel Logistics|client|b|S|Logistics|Unit 12|Kingfisher Way|Horsham|West Sussex|RH13 5PX|GB|01632 960048
Lantern Street Theatre|lead|s|S|Charity, Creative|Lantern Street||Brighton|East Sussex|BN1 3RD|GB|01273 960055
Moorgate Optical|client|p|N|Health, Retail|31 Micklegate||York|North Yorkshire|YO1 6JH|GB|
Nettlefold Garden Centre|client|a|S|Retail|London Road||Hassocks|West Sussex|BN6 9NA|GB|01632 960062
Orchard & Vine|prospect|p||Hospitality|8 Broad Street||Ludlow|Shropshire|SY8 1NG|GB|
Peverell Surveyors Ltd|client|b|N|Professional|23 Mutley Plain||Plymouth|Devon|PL4 6JQ|GB|01752 960071
Quarry Bank Joinery|suspect|p|N|Trades||||||GB|
Ravensbourne Estates|client|a||Professional|77 Blackheath Road||London||SE10 8PD|GB|020 7946 0221
Ravensbourne Estate|lead|p||Professional|||London|||GB|020 7946 0221
Silverdale Electrical|former|b|N|Trades|6 Canal Street||Nottingham||NG1 7EH|GB|0115 496 0236
Tidemill Sailing School|lead|s|S|Hospitality|Tide Mill Way||Woodbridge|Suffolk|IP12 1BY|GB|
Underhill Farm Shop|client|a|S|Retail|Underhill Farm|Plumpton Lane|Lewes|East Sussex|BN7 3AF|GB|01632 960083
Wren & Daughters Tailors|client|p||Retail|18 Cheap Street||Bath|Somerset|BA1 1NA|GB|01632 960094
Fredensborg Møbler ApS|client|b|N|Retail, Export|Jernbanegade 12||Fredensborg||3480|DK|
Havnens Kaffebar ApS|prospect|p|N|Hospitality, Export|Nyhavn 4, st.||København K||1051|DK|
Nørrebro Cykelværksted|lead|p|N|Trades, Export|Blågårdsgade 21||København N||2200|DK|
Atelier Beaulieu SARL|client|a||Creative, Export|14 rue des Teinturiers||Lyon||69002|FR|+33 1 99 00 41 17
Fromagerie du Vercors|prospect|s|S|Hospitality, Export|2 place du Marché||Villard-de-Lans||38250|FR|+33 4 65 71 20 36
Librairie des Quais|lead|a||Retail, Export|31 quai Saint-Vincent||Lyon||69001|FR|
Padaria Três Irmãos Ltda|client|b||Hospitality, Export|Rua Augusta, 1508|Loja 2|São Paulo|SP|01304-001|BR|
Serra Azul Consultoria|prospect|a||Professional, Export|Avenida Paulista, 900|12º andar|São Paulo|SP|01310-100|BR|
Ateliê Coração de Barro|lead|s|S|Creative, Export|Rua das Laranjeiras, 44||Rio de Janeiro|RJ|22240-003|BR|
"""
# first name | last name | job title | organisation | owner | life cycle | phone
_PEOPLE = """
Grace|Hollis|Workshop manager|Bluebell Joinery|p|related|07700 900101
Tom|Ferris|Owner|Bluebell Joinery|p|related|07700 900102
Priya|Raman|Practice manager|Northgate Dental Practice|b|related|07700 900103
Callum|Doyle|Dentist|Northgate Dental Practice|b|related|
Elena|Marchetti|Head of wholesale|Meridian Coffee Roasters Limited|a|related|07700 900104
Josh|Okonkwo|Roastery manager|Meridian Coffee Roasters Limited|a|related|07700 900105
Hannah|Price|Finance|Meridian Coffee Roasters Limited|a|related|
Marcus|Webb|Director|Pennine Web Studio Ltd|p|related|07700 900106
Zoë|Lambert|Owner|Café Zoë|s|related|07700 900107
Rupert|Harrington|Partner|Harrington and Cole|b|related|07700 900108
Dawn|Whitaker|Owner|Whitaker Plumbing and Heating Ltd|p|related|07700 900109
Isla|Munro|Potter|Redcliffe Pottery|a|related|07700 900110
James|Ashdown|Senior partner|Ashdown Veterinary Group|p|related|07700 900111
Beth|Lowe|Practice manager|Ashdown Veterinary Group|p|related|
Oliver|Brook|Baker|Brook & Barley Bakery|s|related|07700 900112
Leah|Barley|Baker|Brook & Barley Bakery|s|related|07700 900113
Danny|Sutcliffe|Owner|Calder Valley Cycles|p|related|07700 900114
Nia|Bevan|Skipper|Cardigan Bay Charters|b|related|07700 900115
Simon|Copper|Partner|Copperbeech Architects LLP|a|related|07700 900116
Amara|Nwosu|Associate architect|Copperbeech Architects LLP|a|related|07700 900117
Fraser|Drummond|Solicitor|Drummond & Rae Solicitors|b|related|0131 496 0183
Eilidh|Rae|Solicitor|Drummond & Rae Solicitors|b|related|0131 496 0184
Carys|Pritchard|Trust secretary|Eastgate Community Trust|a|related|029 2018 0196
Tessa|Fernhill|Physiotherapist|Fernhill Physiotherapy|s|related|07700 900118
Gavin|Tate|Designer|Gable End Interiors|p|former|
Mabel|Hopkins|Head brewer|Hopyard Brewing Company|b|related|07700 900119
Ned|Appleby|Sales|Hopyard Brewing Company|b|related|07700 900120
Rosa|Delgado|Printer|Inkwell Print Cooperative|p|related|07700 900121
Yusuf|Karim|Printer|Inkwell Print Cooperative|p|related|
Margaret|Oakes|Home manager|Juniper Court Care Home|a|related|07700 900122
Stephen|Kestrel|Operations director|Kestrel Logistics|b|related|07700 900123
Wendy|Achebe|Accounts payable|Kestrel Logistics|b|related|01632 960049
Felix|Lantern|Artistic director|Lantern Street Theatre|s|related|07700 900124
Anita|Sharma|Optometrist|Moorgate Optical|p|related|07700 900125
Colin|Nettlefold|Owner|Nettlefold Garden Centre|a|related|01632 960063
Julia|Vine|Owner|Orchard & Vine|p|related|07700 900126
Graham|Peverell|Chartered surveyor|Peverell Surveyors Ltd|b|related|07700 900127
Dominic|Ravens|Director|Ravensbourne Estates|a|related|07700 900128
Sheila|Quartey|Lettings|Ravensbourne Estates|a|related|020 7946 0222
Alan|Silver|Electrician|Silverdale Electrical|b|former|
Freya|Sandell|Instructor|Tidemill Sailing School|s|related|07700 900129
Martin|Underhill|Farmer|Underhill Farm Shop|a|related|01632 960084
Lucy|Underhill|Shop manager|Underhill Farm Shop|a|related|07700 900130
Clara|Wren|Tailor|Wren & Daughters Tailors|p|related|07700 900131
Mette|Sørensen|Direktør|Fredensborg Møbler ApS|b|related|
Lars|Holm|Indkøber|Fredensborg Møbler ApS|b|related|
Ida|Kjær|Ejer|Havnens Kaffebar ApS|p|related|
Jens|Østergaard|Værkfører|Nørrebro Cykelværksted|p|related|
Camille|Beaulieu|Gérante|Atelier Beaulieu SARL|a|related|+33 6 39 98 12 40
Rémi|Chevalier|Acheteur|Atelier Beaulieu SARL|a|related|
Noémie|Giraud|Fromagère|Fromagerie du Vercors|s|related|+33 6 39 98 55 03
Étienne|Morel|Libraire|Librairie des Quais|a|related|
João|Ferreira|Sócio|Padaria Três Irmãos Ltda|b|related|
Conceição|Araújo|Financeiro|Padaria Três Irmãos Ltda|b|related|
Luís|Gonçalves|Consultor|Serra Azul Consultoria|a|related|
Beatriz|Magalhães|Ceramista|Ateliê Coração de Barro|s|related|
Adam|Fielding|Freelance illustrator||p|client|07700 900132
Bronwen|Hughes|Translator||a|client|07700 900133
Charlotte|Maddox|Bookkeeper||b|prospect|07700 900134
Desmond|Clarke|Photographer||s|client|07700 900135
Edith|Rawlings|||p|suspect|
Faisal|Mahmood|Consultant||b|lead|07700 900136
Gemma|Stubbs|Event planner||s|prospect|07700 900137
Harriet|Yates|Editor||a|client|07700 900138
Ian|Cartwright|Piano tuner||p|former|
Jasmine|Teo|Copywriter||a|lead|07700 900139
Kwame|Boateng|Sound engineer||b|client|07700 900140
Lydia|Thorne|Garden designer||s|client|07700 900141
Michael|Rowe|||p|suspect|07700 900142
Nadia|Petrov|Yoga teacher||b|prospect|
Owen|Gallagher|Furniture maker||a|client|07700 900143
Philippa|Strand|Stylist||s|lead|07700 900144
Quentin|Ames|Antiques dealer||p|former|
Ruth|Abernathy|Genealogist||b|client|07700 900145
Sanjay|Mistry|Web developer||a|prospect|07700 900146
Tilly|Hargreave|Baker||s|suspect|
"""
# who | contact | days ago | text
_NOTES = """
a|Meridian Coffee Roasters Limited|96|Wants one invoice a month for all three shops instead of three. Agreed from the new quarter.
p|Meridian Coffee Roasters Limited|31|Elena is on leave until the end of the month, Josh signs orders meanwhile.
b|Meridian Coffee Roasters Limited|4|Asked whether we deliver to Lisbon. Told them no, gave two names.
p|Bluebell Joinery|210|Met Tom at the trade fair in Leeds. Two workshops, twelve people.
a|Bluebell Joinery|12|Pays late but always pays. Do not send the second reminder before day 20.
b|Northgate Dental Practice|64|New surgery opens in spring; they will need everything twice.
s|Café Zoë|18|Tasting went well. Zoë decides after the weekend.
a|Redcliffe Pottery|9|Isla asked for a quote. Address is incomplete, ask her for the town and unit.
a|Saltmarsh Books|41|There are two shops of this name, Norwich and Salisbury. Not the same owners.
b|Drummond & Rae Solicitors|150|Terms are 60 days, agreed in writing.
p|Ashdown Veterinary Group|77|Four practices now. Beth collects the orders of all of them.
a|Copperbeech Architects LLP|20|Invited to the opening on the 3rd. Bring the samples.
s|Brook & Barley Bakery|55|Oven broke down, order postponed by three weeks.
b|Kestrel Logistics|33|Wendy wants purchase order numbers on every invoice.
p|Inkwell Print Cooperative|120|They print our catalogue, we supply their shop. Keep the two accounts apart.
a|Ravensbourne Estates|8|Sheila says there is a second entry of theirs somewhere.
b|Fredensborg Møbler ApS|47|Mette prefers English by mail, Danish on the telephone.
a|Atelier Beaulieu SARL|71|Deliveries only on Tuesday and Thursday mornings.
b|Padaria Três Irmãos Ltda|26|João is in London in the second week of next month.
p|Calder Valley Cycles|15|Asked for a better price on ten or more.
s|Desmond Clarke|38|Photographs for the spring list: 14 May, bring the white backdrop.
a|Harriet Yates|22|Corrected the whole brochure in two days.
b|Hopyard Brewing Company|6|Ned would like to see the new labels before they are printed.
p|Gable End Interiors|190|Closed the showroom. Gavin works alone now and will come back to us.
"""
# life cycle now -> what it was when the contact was entered
EARLIER = {"client": "prospect", "former": "client", "prospect": "lead", "lead": "suspect"}


@dataclass(frozen=True, slots=True)
class OrganisationRow:
    name: str
    life_cycle: str
    owner: str
    team: str
    tags: list[str]
    address: dict[str, str]
    phone: str


@dataclass(frozen=True, slots=True)
class PersonRow:
    first_name: str
    last_name: str
    job_title: str
    organisation: str
    owner: str
    life_cycle: str
    phone: str


@dataclass(frozen=True, slots=True)
class NoteRow:
    author: str
    contact: str
    days_ago: int
    text: str


def organisations() -> list[OrganisationRow]:
    return [_organisation(*columns) for columns in _table(_ORGANISATIONS)]


def people() -> list[PersonRow]:
    return [PersonRow(*columns) for columns in _table(_PEOPLE)]


def notes() -> list[NoteRow]:
    return [NoteRow(author, contact, int(days), text) for author, contact, days, text in _table(_NOTES)]


def _table(text: str) -> list[list[str]]:
    return [line.split("|") for line in text.strip().splitlines()]


def _organisation(name: str, life_cycle: str, owner: str, team: str, tags: str, *rest: str) -> OrganisationRow:
    parts, phone = rest[:-1], rest[-1]
    address = dict(zip(("line1", "line2", "city", "region", "postcode", "country"), parts, strict=True))
    return OrganisationRow(name, life_cycle, owner, team, tags.split(", "), address if any(parts) else {}, phone)
