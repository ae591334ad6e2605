from erp_history.models.base import ErpRow
from erp_history.models.documents import Cotacao, Fatura, ItensCotacao, ItensNota, ItensPedido, Nota, Pedido
from erp_history.models.export import ErpExport
from erp_history.models.figures import (
    AbcResult,
    BrandDay,
    CategoryChange,
    ClassChange,
    CompanyDay,
    CompanyFigures,
    ContactFigures,
    Portfolio,
)
from erp_history.models.links import ErpLink, ErpPending
from erp_history.models.masters import Contato, Empresa, EmpresaMarca, Fornecedor, Vendedor
from erp_history.models.run import ErpPhase, ErpRun
from erp_history.models.source import ErpDue, ErpNews, ErpRequest, ErpSnapshot, ErpSnapshotRow, ErpSource
from erp_history.models.windows import CurveLimit, ErpPrepared, StoredRows, WindowRevenue

__all__ = [
    "AbcResult", "BrandDay", "CategoryChange", "ClassChange", "CompanyDay", "CompanyFigures", "ContactFigures", "Contato", "Cotacao",
    "CurveLimit", "Empresa", "EmpresaMarca", "ErpDue", "ErpExport", "ErpLink", "ErpNews", "ErpPending", "ErpPhase", "ErpPrepared",
    "ErpRequest", "ErpRow", "ErpRun", "ErpSnapshot", "ErpSnapshotRow", "ErpSource", "Fatura", "Fornecedor", "ItensCotacao", "ItensNota",
    "ItensPedido", "Nota", "Pedido", "Portfolio", "StoredRows", "Vendedor", "WindowRevenue",
]  # fmt: skip
