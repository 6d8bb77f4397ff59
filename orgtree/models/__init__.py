from orgtree.models.areas import Area, AreaSuccession
from orgtree.models.grants import Grant, UnitPermission
from orgtree.models.units import OrgUnit
from orgtree.models.users import User

__all__ = ["Area", "AreaSuccession", "Grant", "OrgUnit", "UnitPermission", "User"]
